@echo off
rem The command line of the installed app.
"%~dp0..\..\Watchkeeper.exe" --cli -- %*
exit /b %ERRORLEVEL%
