; What the uninstaller removes beside the program; an update runs it too, and must keep everything.
!macro customUnInstall
  ${ifNot} ${isUpdated}
    ; The entry that “Start when I log in” makes carries the app's id.
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "io.github.watchkeeper.Watchkeeper"
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run" "io.github.watchkeeper.Watchkeeper"
    ; A silent uninstall never touches what was recorded.
    IfSilent keepData
    ; What was recorded is its user's own, also where the program is everybody's.
    SetShellVarContext current
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Remove everything that Watchkeeper has recorded as well?$\r$\n$\r$\n$APPDATA\Watchkeeper" IDNO keepData
    RMDir /r "$APPDATA\Watchkeeper"
    keepData:
    ${if} $installMode == "all"
      SetShellVarContext all
    ${endIf}
  ${endIf}
!macroend
